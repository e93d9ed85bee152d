from .off_policy import off_policy_value as off_policy_value
