"""Strings ⇄ ids: text cut into characters, words, bytes or learned pieces, and numbered.

tokenizers        words in GloVe's manner, characters, bytes
vocabulary        the two-way table between tokens and ids
bpe               byte-level byte-pair encoding: train, encode, decode, as a stream too
bpe_training      the merges, learned one by one; bpe_validation: what a tokenizer must hold
split             GPT-2's and GPT-4's patterns, and where a stream may safely be cut
specials          special tokens in a text, the longest first
gpt2_files, tokenizer_json, tiktoken_ranks   other programs' formats, read and written
places            where in a text its words stand
fertility         tokens a word
"""
