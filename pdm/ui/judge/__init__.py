"""The Judge tab: a blind test between two methods, by visitors' votes."""
