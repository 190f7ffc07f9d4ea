"""The pages people read, whole without JavaScript: `routes` and `forms` take requests, the rest puts them into words.

Templates are in templates/, the one style sheet and the scripts that make pages live in static/.
"""
