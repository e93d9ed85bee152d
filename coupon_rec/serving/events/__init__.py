"""What happens in the shops: events, their logs, and the features that move with them."""
