"""The subcommands, each with its options and the function that runs it and returns the line to print.

Everything heavy is imported inside, so that --help answers at once.
"""
