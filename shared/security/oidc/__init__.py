"""Sign-in by OpenID Connect: what the provider says of itself and of who signed in there."""
