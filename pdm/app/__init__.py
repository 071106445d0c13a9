"""What the app does, without a page: models, a visitor's set as it is shown, requests, votes."""
