"""From a fitted model to the coupon on a user's screen.

Nothing is imported here: a service takes what it needs, file by file, and starts in a second.
"""
