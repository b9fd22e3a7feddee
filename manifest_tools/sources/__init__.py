"""Where images, labels and predictions come from: folders, tables, manifests, annotation exports."""
