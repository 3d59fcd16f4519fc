"""Commands of the user's own, before and after packages are bundled.

``command`` is how they are written, ``run`` runs them on this machine or in a container, ``folder`` is the way
of a package's files to a folder and back, ``around`` puts them around the bundling.
"""
