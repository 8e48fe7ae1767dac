"""ids → logits: the models of the book, written to be read beside the page.

counting…                          n-grams: add-k, Kneser–Ney
word_vectors, glove                tables of vectors: skip-gram, CBOW, GloVe
ibm_model_1                        which word translates which, by EM
recurrent…, seq2seq                RNN, LSTM, GRU; a language model; encoder–decoder with attention
attention, positions, norms, feed_forward, mixture, blocks, embedding    parts of a Transformer
transformer, encoder, encoder_decoder, causal, reading                   whole ones
classifier, heads, head_loss       what stands on top
bm25                               which passage fits a query
lexical_span, span_marks, span_reader    where in a passage the answer stands
lora, quantised                    few weights learned beside frozen ones; weights in few bits
sparse_autoencoder                 states as sums of few directions
layouts…                           weights as the `transformers` library keeps them
"""
