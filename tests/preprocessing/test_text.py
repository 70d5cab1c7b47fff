"""Texts as words and numbers against tf_keras."""

import numpy as np
import pytest
import tf_keras

from kerasish.preprocessing import text

theirs = tf_keras.preprocessing.text
TEXTS = ["The cat sat on the mat.", "A dog, a cat; and THE mat!", "", "dog\tdog cat\nbird"]
MORE = ["the bird sat", ["The", "DOG", "unseen"], "", "fish & the fish", "cat"]


def words(sentence):
    return sentence.split(" ")


TOKENIZERS = [
    {}, {"num_words": 4}, {"num_words": 4, "oov_token": "<oov>"}, {"oov_token": "cat"}, {"char_level": True},
    {"char_level": True, "lower": False, "num_words": 6, "oov_token": "?"}, {"lower": False}, {"filters": "a"},
    {"filters": ".,", "split": "t"}, {"analyzer": words}, {"document_count": 2}, {"num_words": 1, "oov_token": ""},
]  # fmt: skip


@pytest.mark.parametrize("options", TOKENIZERS)
def test_a_tokenizer_counts_numbers_and_writes_as_tf_keras_does(options):
    ours, wanted = (module.Tokenizer(**options) for module in (text, theirs))
    for texts in (TEXTS, [["A", "new", "bird"]]):  # fitted twice: the counts go on
        for tokenizer in (ours, wanted):
            tokenizer.fit_on_texts(texts)
        assert vars(ours) == vars(wanted)
        assert list(ours.word_counts) == list(wanted.word_counts) and list(ours.word_index) == list(wanted.word_index)
    config, other = ours.get_config(), wanted.get_config()
    assert list(config) == list(other) and config["word_index"] == other["word_index"]
    numbers = ours.texts_to_sequences(MORE)
    assert numbers == wanted.texts_to_sequences(MORE) == list(ours.texts_to_sequences_generator(MORE))
    given = [*numbers, [0, 1, 2, 99]]
    assert ours.sequences_to_texts(given) == wanted.sequences_to_texts(given)
    assert list(ours.sequences_to_texts_generator(given)) == ours.sequences_to_texts(given)
    for mode in ("binary", "count", "freq", "tfidf"):
        pair = [tokenizer.texts_to_matrix(MORE, mode) for tokenizer in (ours, wanted)]
        np.testing.assert_allclose(*pair, rtol=1e-14, strict=True)


@pytest.mark.parametrize("options", TOKENIZERS)
def test_a_tokenizer_is_read_from_json_by_both(options):
    ours, wanted = (module.Tokenizer(**options) for module in (text, theirs))
    ours.fit_on_texts(TEXTS)
    wanted.fit_on_texts(TEXTS)
    for written in (ours.to_json(), wanted.to_json(indent=2)):
        one, other = (module.tokenizer_from_json(written) for module in (text, theirs))
        assert vars(one) == vars(other)
        assert one.texts_to_sequences(MORE) == other.texts_to_sequences(MORE)
        if "analyzer" not in options:
            assert one.texts_to_sequences(MORE) == ours.texts_to_sequences(MORE)
            one.fit_on_texts(MORE)
            ours_again = text.tokenizer_from_json(ours.to_json())
            ours_again.fit_on_texts(MORE)
            assert one.word_counts == ours_again.word_counts


def test_the_written_form_does_not_depend_on_hashes():
    tokenizer = text.Tokenizer()
    tokenizer.fit_on_texts(["b a c", "c d"])
    assert tokenizer.get_config()["word_docs"] == '{"b": 1, "a": 1, "c": 2, "d": 1}'


def test_numbers_are_counted_without_words():
    ours, wanted = (module.Tokenizer(num_words=5) for module in (text, theirs))
    for tokenizer in (ours, wanted):
        tokenizer.fit_on_sequences([[1, 2, 2], [3, 1]])
    assert vars(ours) == vars(wanted)
    pair = [tokenizer.sequences_to_matrix([[1, 2, 7, 1], []], "tfidf") for tokenizer in (ours, wanted)]
    np.testing.assert_allclose(*pair, rtol=1e-14, strict=True)


def test_what_a_tokenizer_refuses():
    with pytest.raises(TypeError, match="'words'"):
        text.Tokenizer(words=3)
    with pytest.warns(UserWarning, match="num_words"):
        assert text.Tokenizer(nb_words=3).num_words == 3
    for call, message in (
        (lambda: text.Tokenizer().sequences_to_matrix([[1]]), "num_words"),
        (lambda: text.Tokenizer(3).sequences_to_matrix([[1]], "tfidf"), "fit_on_texts"),
        (lambda: text.Tokenizer(3).sequences_to_matrix([[1]], "counts"), "'counts'"),
        (lambda: text.tokenizer_from_json("{}"), "to_json"),
        (lambda: text.tokenizer_from_json("x"), "value"),
    ):
        with pytest.raises(ValueError, match=message):
            call()


@pytest.mark.parametrize("options", [
    {}, {"lower": False}, {"filters": ""}, {"split": "a"}, {"filters": "e", "split": "ab"},
], ids=str)  # fmt: skip
def test_words_of_a_text(options):
    for sentence in ["", "A cat.  The\tcat, abba", "é ẞ Straße-e"]:
        ours, wanted = (module.text_to_word_sequence(sentence, **options) for module in (text, theirs))
        assert ours == wanted


@pytest.mark.parametrize("options", [{"hash_function": "md5"}, {}, {"hash_function": len}, {"analyzer": list}], ids=str)
def test_hashed_words(options):
    for sentence in ["", TEXTS[0]]:
        assert text.hashing_trick(sentence, 50, **options) == theirs.hashing_trick(sentence, 50, **options)
    assert text.one_hot(TEXTS[0], 50) == theirs.one_hot(TEXTS[0], 50) == text.hashing_trick(TEXTS[0], 50)
    assert text.hashing_trick("The cat", 50, "md5") == [43, 32]


def test_what_hashing_refuses():
    with pytest.raises(ValueError, match="n=1"):
        text.one_hot("a", 1)
    with pytest.raises(TypeError, match="'sha'"):
        text.hashing_trick("a", 5, "sha")
