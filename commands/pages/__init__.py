"""Pages: HTML with tables, charts and figures in the colours of the reader."""
