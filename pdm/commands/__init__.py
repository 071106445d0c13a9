"""What each subcommand does: it takes the parsed arguments and returns the line that says what was written where.

Everything heavy is imported inside, so that --help answers at once.
"""
