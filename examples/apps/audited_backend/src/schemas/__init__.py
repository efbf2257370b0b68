"""What requests carry and responses answer."""
