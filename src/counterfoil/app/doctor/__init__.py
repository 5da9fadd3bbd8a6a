"""Is it set up right? Every check looks at one thing, and each finding has a cause and a fix."""
