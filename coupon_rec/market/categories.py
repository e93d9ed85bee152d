"""What may be known of a user, value by value, from the least to the most; what else may be."""

OWN = {"users": "user_", "coupons": "coupon_"}
"""How the names of columns begin that a table may have beyond the schema."""
NOT_OWN = {"user_id", "coupon_id", "coupon_discount", "coupon_match", "coupon_propensity"}
"""The columns of the schema whose names begin so."""

USER_CATEGORIES = {
    "age": ("19-24", "25-34", "35-44", "45-54", "55-64", "65+"),
    "income": (
        "Under 15K",
        "15-24K",
        "25-34K",
        "35-49K",
        "50-74K",
        "75-99K",
        "100-124K",
        "125-149K",
        "150-174K",
        "175-199K",
        "200-249K",
        "250K+",
    ),
    "home": ("Homeowner", "Renter", "Probable Homeowner", "Probable Renter"),
    "marital_status": ("Married", "Unmarried"),
    "household_size": ("1", "2", "3", "4", "5+"),
    "household_comp": (
        "1 Adult No Kids",
        "2 Adults No Kids",
        "1 Adult Kids",
        "2 Adults Kids",
    ),
    "kids": ("0", "1", "2", "3+"),
}
