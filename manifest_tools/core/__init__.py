"""What everything stands on: the facts about the service, errors, and small support."""
