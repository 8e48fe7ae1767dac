"""Where text comes from: generated, or fetched from a table of published sets.

world             the generated default: stories, reviews, translations, dialogues, questions, …
registry          the table of published sets; download: fetches and checks; archives: tar and zip
imdb, movie_reviews, labelled_texts                     texts with labels
character_corpora, novels, wikitext, sanguo             running text
glove, word2vec_text, word_tests, bias_tests            vectors, and what they are asked
sentence_pairs, questions, instructions, taskmaster     pairs, passages, answers, dialogues
gpt2_files        GPT-2's tokenizer files

From ids to batches:

batches, pairs, prompts, masking      rows with labels, translations, answers, hidden tokens
chat              talks in which the assistant's words are learned
span_batches      questions beside passages, with where the answers stand
span_corruption   hidden runs of tokens, for an encoder–decoder
windows, token_files, packing         running text, larger than memory, many texts in a row
word_pairs, banded_pairs, cooccurrence   what word vectors learn from
leaks, minhash    what stands in two splits
"""
