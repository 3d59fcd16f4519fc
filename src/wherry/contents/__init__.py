"""The contents of written packages: owners, modules, imports, compiled files, sizes.

A function's package with its layers, or a layer by itself, is read once and asked many things. Nothing is executed,
and nothing is unpacked to disk. Anybody's zip archive is taken.

>>> part = part_of_zip(Path("dist/lambda/api.zip"), name="api")
>>> contents = Contents([part], target, Options(handler="shop.api.handler", store=Store.default()))
>>> contents.distributions  # each with name, version, files, requirements
>>> contents.owner_of("/var/task/flask/app.py")
>>> contents.modules.find("flask.app")  # where Python would find a module, and of what kind it is
>>> contents.graph.reached["flask.app"]  # whether init loads it, and who imports it
>>> contents.graph.chain("flask.app")  # the modules from the handler to it
>>> contents.graph.missing  # imports that lead nowhere
>>> contents.init_graph  # the same of imports that are executed for certain; quicker
>>> contents.requirements  # who requires what on the target
>>> contents.absent  # what is required and not there
>>> contents.compiled.facts(file)  # machine, obstacles, libraries of a compiled file
>>> contents.compiled.libraries(file)  # where each library that it needs is found
>>> contents.remember()  # keeps what was parsed for the next time

Modules: ``model`` (files, parts), ``links`` (symbolic links), ``parts`` (zip archives and packages as parts), ``distributions`` (owners by RECORD),
``needs`` (their requirements), ``modules`` (the module table), ``conditions`` and ``imports`` (imports of a source
text), ``applications`` (modules that a framework's handler imports by a name in a file), ``sources`` and ``facts``
(what is remembered of files), ``graph`` (the walk from the handler), ``compiled`` (ELF files and the search for
libraries), ``guess`` (the target of a package of others), ``read`` (``Contents``).
"""
