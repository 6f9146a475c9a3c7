"""From shards to training pairs: plan, fetch, augmentation, labels, batches."""
