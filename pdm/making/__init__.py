"""A model of somebody's own images, all of it: what is looked at, what is planned, and the steps that make it."""
