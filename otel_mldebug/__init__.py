"""What broke or got slow in your ML code: what, where, why, and what to try."""
