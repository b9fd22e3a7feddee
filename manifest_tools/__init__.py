"""Get images ready to train an Amazon Rekognition Custom Moderation adapter, and stay with them through training."""
