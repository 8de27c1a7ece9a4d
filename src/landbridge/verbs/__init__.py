"""The verbs: measure, transfer and what they hand over; reached through ``landbridge`` itself."""
