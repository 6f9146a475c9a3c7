"""Tables, plots and intervals of the reports of all protocols."""
