"""The page's words in other languages: a file each, de.json for German, and the script that exchanges them."""
