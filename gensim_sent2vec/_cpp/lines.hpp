// Sources of training lines: corpus files and batches passed in from Python.
#pragma once

#include "plan.hpp"
#include "prefetch.hpp"

namespace s2v {

// Looks up the ids of a line's words. Each lookup can miss the cache twice, at the slot and at the word itself. Looking
// up all words of a line together lets prefetching overlap those misses.
class Lookup {
  public:
    // `epfml`: the reference program's models have "</s>" in the vocabulary, but in text it ends the line.
    Lookup(const WordTable& words, bool epfml) : table_(words), epfml_(epfml) {}

    // Adds a token. Its memory must stay valid until resolve(), and eight bytes must be readable at p.
    void add(const char* p, size_t n) {
        if (epfml_ && n == 4 && std::memcmp(p, "</s>", 4) == 0) ended_ = true;
        if (ended_) return;
        if (n_words_ == words_.size()) words_.resize(2 * n_words_ + 16);
        Word& word = words_[n_words_++];
        word = {p, n, first_bytes(p, n)};
        prefetch_line(table_.first_slot(word.hash));
    }

    // Adds a token whose memory may change before resolve(), such as a read buffer.
    void add_copy(const char* p, size_t n) {
        add(p, n);
        copies_.insert(copies_.end(), p, p + n);
    }

    int64_t tokens() const { return static_cast<int64_t>(n_words_); }

    // Calls known(position, id) or unknown(position, word) for each token, then resets for the next line.
    template <class Known, class Unknown>
    void resolve(Known&& known, Unknown&& unknown) {
        const char* copy = copies_.data();
        for (size_t i = 0; i < n_words_; ++i) {
            prefetch_line(table_.first_offset(words_[i].hash));
            if (copies_.empty()) continue;
            words_[i].p = copy;
            copy += words_[i].n;
        }
        for (size_t i = 0; i < n_words_; ++i) {
            const Word& word = words_[i];
            const int64_t id = table_.find(word);
            if (id >= 0)
                known(static_cast<int64_t>(i), static_cast<int32_t>(id));
            else
                unknown(static_cast<int64_t>(i), word);
        }
        n_words_ = 0;
        copies_.clear();
        ended_ = false;
    }

    // Appends the ids of the known words.
    void resolve(std::vector<int32_t>& ids) {
        resolve([&ids](int64_t, int32_t id) { ids.push_back(id); }, [](int64_t, const Word&) {});
    }

  private:
    const WordTable& table_;
    const bool epfml_;
    bool ended_ = false;
    std::vector<Word> words_;  // only the first n_words_ are in use; never shrinks, to avoid reallocating
    size_t n_words_ = 0;
    std::vector<char> copies_;
};

struct FileSource {
    Lookup lookup;
    SliceReader reader;
    ReadStatus status = ReadStatus::OK;

    bool next(Line& line) {
        line.ids.clear();
        line.tokens = 0;
        const auto add = [&](const char* p, size_t n) {
            ++line.tokens;
            lookup.add_copy(p, n);
        };
        status = reader.next_line(add, [] {});
        lookup.resolve(line.ids);
        return status == ReadStatus::OK;
    }
};

// Samples the lines that begin at or after `n` positions, evenly spread over a text; each once. Adds where they begin
// and end, including the line ends. A longer line than `longest` counts as several.
inline void sample_lines(const char* text, int64_t size, int64_t n, int64_t longest, std::vector<int64_t>& begins,
                         std::vector<int64_t>& ends) {
    const auto end_of_line = [&](int64_t begin) {
        const int64_t limit = begin + std::min(longest, size - begin);
        const void* end = std::memchr(text + begin, '\n', static_cast<size_t>(limit - begin));
        return end ? static_cast<const char*>(end) - text + 1 : limit;
    };
    int64_t end = 0;
    for (int64_t i = 0; i < n && end < size; ++i) {
        const int64_t position = size * i / n;
        if (position > end) end = end_of_line(position - 1);
        if (end == size) return;
        begins.push_back(end);
        ends.push_back(end = end_of_line(end));
    }
}

// A batch of sentences passed in from Python as concatenated UTF-8. For tokenized sentences, `token_ends` holds the
// byte offset at which each token ends, and `sentence_ends` is in tokens. For raw text, `token_ends` is null and
// `sentence_ends` is in bytes. The buffer must be readable for eight bytes past the end of the text.
struct Pack {
    const char* text;
    const int64_t *token_ends, *sentence_ends;
    int64_t n_sentences;

    // Splits raw text at whitespace as Python defines it or, with `epfml`, at the reference program's seven separators.
    template <class Token>
    void each_token(int64_t sentence, Token&& token, bool epfml = false) const {
        const int64_t begin = sentence ? sentence_ends[sentence - 1] : 0, end = sentence_ends[sentence];
        if (token_ends) {
            for (int64_t i = begin; i < end; ++i) {
                const int64_t from = i ? token_ends[i - 1] : 0;
                token(text + from, static_cast<size_t>(token_ends[i] - from));
            }
            return;
        }
        const char *p = text + begin, *limit = text + end;
        const auto separates = [](char c) { return c == ' ' || (c >= '\t' && c <= '\r') || c == 0; };
        while (epfml) {
            p = std::find_if_not(p, limit, separates);
            if (p == limit) return;
            const char* stop = std::find_if(p, limit, separates);
            token(p, static_cast<size_t>(stop - p));
            p = stop;
        }
        for (;;) {
            p = skip_spaces(p, limit);
            if (p == limit) return;
            if (*p == '\n') {
                ++p;
                continue;
            }
            const char* stop = token_end(p, limit);
            token(p, static_cast<size_t>(stop - p));
            p = stop;
        }
    }
};

struct PackSource {
    Lookup lookup;
    const Pack pack;
    int64_t sentence = 0;

    bool next(Line& line) {
        if (sentence == pack.n_sentences) return false;
        line.ids.clear();
        line.tokens = 0;
        pack.each_token(sentence++, [&](const char* p, size_t n) {
            ++line.tokens;
            lookup.add(p, n);
        });
        lookup.resolve(line.ids);
        return true;
    }
};

}  // namespace s2v
