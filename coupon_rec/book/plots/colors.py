"""One color for each thing, in all figures."""

USER, ITEM, COUPON, MONEY, NEUTRAL = "#0072B2", "#007A5E", "#C75000", "#8A4FA0", "#6B7280"
"""The colors of user, item, coupon, money, and of everything else."""
DARK = "#374151"
"""What is read or compared with: letters, ticks, lines of the truth."""
