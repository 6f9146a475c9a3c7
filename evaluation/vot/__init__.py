"""VOT's supervised experiment: a tracker is started again after each failure."""
