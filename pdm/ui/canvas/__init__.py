"""The Canvas tab: painting with prototypes as with colours."""
