"""The commands of `python -m coupon_rec`; each imports what it needs when it is called."""
