"""The child process that boots the project's app, and the parent's side of it."""
