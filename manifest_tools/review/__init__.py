"""The local page on which people confirm labels. Needs the extra ``review``; the journal is in manifest_tools.review.journal."""
