"""Speed and memory beside peers, as ratios in one run."""
