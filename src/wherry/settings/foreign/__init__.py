"""Projects as the files of other tools describe them: AWS SAM, the Serverless Framework, Zappa and Chalice."""
