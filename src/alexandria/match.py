"""Do these two records name the same work? Scored and explained."""
