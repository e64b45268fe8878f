"""``python -m gensim_sent2vec`` runs the command ``gensim-sent2vec``."""

from ._cli.main import main

if __name__ == "__main__":
    main()
