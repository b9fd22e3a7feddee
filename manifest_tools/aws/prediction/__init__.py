"""Ask the base model or an adapter for the labels of images, within its rate, and keep every answer."""
