"""What ``stylewatch try`` makes: which pictures of which photos, under which names, on which contact sheet."""
