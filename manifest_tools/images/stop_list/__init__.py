"""Stop lists: hashes of known images that are neither shown nor sent anywhere, and how images are held against them."""
