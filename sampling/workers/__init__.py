"""Worker processes that make batches into shared memory."""
