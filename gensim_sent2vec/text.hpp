// Text to word ids without the interpreter: whitespace tokens, a word table that can be mapped from a
// file, a counter of words, and a reader of one slice of a corpus file.
#pragma once

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <vector>

#if defined(_WIN32)
#include <io.h>
#else
#include <unistd.h>
#endif
#if defined(_MSC_VER)
#include <intrin.h>
#endif

namespace s2v {

// ---------------------------------------------------------------------------------------------------
// Hashing

inline uint64_t multiply_fold(uint64_t a, uint64_t b) {
#if defined(_MSC_VER)
    uint64_t high, low = _umul128(a, b, &high);
    return low ^ high;
#else
    const unsigned __int128 product = static_cast<unsigned __int128>(a) * b;
    return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
#endif
}

template <class T>
inline T read_as(const void* p) {
    T value;
    std::memcpy(&value, p, sizeof value);
    return value;
}

// The hash of a word's UTF-8 bytes. It is part of the saved layout: a table built by one version is
// probed by the next, so the function must not change (tests pin its values).
inline uint64_t hash_bytes(const char* p, size_t n) {
    const uint64_t k0 = 0x9e3779b97f4a7c15ull, k1 = 0xd6e8feb86659fd93ull;
    uint64_t h = n * k0;
    for (; n > 8; p += 8, n -= 8) h = multiply_fold(h ^ read_as<uint64_t>(p), k1);
    uint64_t tail = 0;
    if (n >= 4) {
        tail = read_as<uint32_t>(p) | static_cast<uint64_t>(read_as<uint32_t>(p + n - 4)) << 32;
    } else if (n > 0) {
        const auto byte = [p](size_t i) { return static_cast<uint64_t>(static_cast<unsigned char>(p[i])); };
        tail = byte(0) | byte(n / 2) << 8 | byte(n - 1) << 16;
    }
    return multiply_fold(h ^ tail, k0 ^ k1);
}

// memcmp() == 0 for words, most of which are too short for a call.
inline bool same_bytes(const void* a, const void* b, size_t n) {
    const char *p = static_cast<const char*>(a), *q = static_cast<const char*>(b);
    if (n > 16) return std::memcmp(p, q, n) == 0;
    if (n >= 8)
        return ((read_as<uint64_t>(p) ^ read_as<uint64_t>(q)) |
                (read_as<uint64_t>(p + n - 8) ^ read_as<uint64_t>(q + n - 8))) == 0;
    if (n >= 4)
        return ((read_as<uint32_t>(p) ^ read_as<uint32_t>(q)) |
                (read_as<uint32_t>(p + n - 4) ^ read_as<uint32_t>(q + n - 4))) == 0;
    for (size_t i = 0; i < n; ++i)
        if (p[i] != q[i]) return false;
    return true;
}

// ---------------------------------------------------------------------------------------------------
// Tokens: exactly those of Python's str.split(), lines ending at '\n' only

enum ByteClass : unsigned char { WORD, SPACE, NEWLINE, WIDE_SPACE_LEAD };

struct ByteClasses {
    unsigned char of[256];
    constexpr ByteClasses() : of() {
        for (int b = 0x09; b <= 0x0d; ++b) of[b] = SPACE;
        for (int b = 0x1c; b <= 0x20; ++b) of[b] = SPACE;
        of[0x0a] = NEWLINE;
        of[0xc2] = of[0xe1] = of[0xe2] = of[0xe3] = WIDE_SPACE_LEAD;
    }
};
constexpr ByteClasses byte_classes;

// Bytes of the whitespace character beyond ASCII that starts at p, 0 if there is none.
inline int wide_space(const char* p, const char* end) {
    const auto byte = [p](int i) { return static_cast<unsigned char>(p[i]); };
    if (end - p < 2) return 0;
    if (byte(0) == 0xc2) return byte(1) == 0x85 || byte(1) == 0xa0 ? 2 : 0;  // U+0085, U+00A0
    if (end - p < 3) return 0;
    const unsigned code = (byte(0) & 0x0fu) << 12 | (byte(1) & 0x3fu) << 6 | (byte(2) & 0x3fu);
    if ((byte(1) & 0xc0) != 0x80 || (byte(2) & 0xc0) != 0x80) return 0;
    const bool space = code == 0x1680 || (code >= 0x2000 && code <= 0x200a) || code == 0x2028 ||
                       code == 0x2029 || code == 0x202f || code == 0x205f || code == 0x3000;
    return space ? 3 : 0;
}

// The end of the token that starts at p: the first whitespace at or after p, or `end`.
inline const char* token_end(const char* p, const char* end) {
    for (; p < end; ++p) {
        const unsigned char kind = byte_classes.of[static_cast<unsigned char>(*p)];
        if (kind == WORD) continue;
        if (kind != WIDE_SPACE_LEAD || wide_space(p, end)) break;
    }
    return p;
}

// Skips whitespace within a line; stops at a newline, a token or `end`.
inline const char* skip_spaces(const char* p, const char* end) {
    while (p < end) {
        const unsigned char kind = byte_classes.of[static_cast<unsigned char>(*p)];
        if (kind == SPACE) {
            ++p;
        } else {
            const int wide = kind == WIDE_SPACE_LEAD ? wide_space(p, end) : 0;
            if (!wide) break;
            p += wide;
        }
    }
    return p;
}

// Bytes of the character at p, UTF-8 as Python's strict decoder has it (no surrogates, no overlong forms); 0 for none.
inline int utf8_length(const char* p, const char* end) {
    const auto byte = [p](int i) { return static_cast<unsigned char>(p[i]); };
    const unsigned char lead = byte(0);
    if (lead < 0x80) return 1;
    const int length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || end - p < length) return 0;
    for (int i = 1; i < length; ++i)
        if ((byte(i) & 0xc0) != 0x80) return 0;
    if ((lead == 0xe0 && byte(1) < 0xa0) || (lead == 0xed && byte(1) > 0x9f) ||
        (lead == 0xf0 && byte(1) < 0x90) || (lead == 0xf4 && byte(1) > 0x8f))
        return 0;
    return length;
}

// Whether the bytes are UTF-8 and hold no NUL, which in a text corpus means a binary file.
inline bool valid_word(const char* p, size_t n) {
    const char* end = p + n;
    while (p < end) {
        const int length = *p != 0 ? utf8_length(p, end) : 0;
        if (!length) return false;
        p += length;
    }
    return true;
}

// ---------------------------------------------------------------------------------------------------
// Words <-> ids

// An open-addressing table over words laid end to end in `blob`, word i at offsets[i] .. offsets[i+1].
// A slot holds the upper half of the hash and id + 1, 0 where it is empty. All three arrays may be
// mapped read-only from a file that nobody has checked: find() trusts no number in them.
struct WordTable {
    const unsigned char* blob = nullptr;
    const int64_t* offsets = nullptr;
    const uint64_t* slots = nullptr;
    int64_t blob_size = 0, n_words = 0, n_slots = 0;  // n_slots: a power of two

    static uint64_t slot(uint64_t hash, int64_t id) { return (hash >> 32) << 32 | static_cast<uint64_t>(id + 1); }

    // Where find() looks first, for prefetching.
    const uint64_t* first_slot(uint64_t hash) const { return slots + (hash & (static_cast<uint64_t>(n_slots) - 1)); }
    const int64_t* first_offset(uint64_t hash) const { return offsets + (*first_slot(hash) & 0xffffffffu); }

    bool is_word(int64_t id, const char* p, size_t n) const {
        const int64_t begin = offsets[id], end = offsets[id + 1];
        return begin >= 0 && begin <= end && end <= blob_size && end - begin == static_cast<int64_t>(n) &&
               same_bytes(blob + begin, p, n);
    }

    int64_t find(const char* p, size_t n) const { return find(p, n, hash_bytes(p, n)); }

    int64_t find(const char* p, size_t n, uint64_t hash) const {
        const uint64_t mask = static_cast<uint64_t>(n_slots) - 1;
        for (int64_t probe = 0; probe < n_slots; ++probe) {
            const uint64_t s = slots[(hash + static_cast<uint64_t>(probe)) & mask];
            if (s == 0) return -1;
            if (s >> 32 != hash >> 32) continue;
            const int64_t id = static_cast<int64_t>(s & 0xffffffffu) - 1;
            if (id >= 0 && id < n_words && is_word(id, p, n)) return id;
        }
        return -1;
    }
};

// Fills `slots` for the words of `table`; returns the first id whose word stands twice, or -1.
inline int64_t fill_slots(const WordTable& table, uint64_t* slots) {
    const uint64_t mask = static_cast<uint64_t>(table.n_slots) - 1;
    for (int64_t id = 0; id < table.n_words; ++id) {
        const char* word = reinterpret_cast<const char*>(table.blob) + table.offsets[id];
        const size_t n = static_cast<size_t>(table.offsets[id + 1] - table.offsets[id]);
        const uint64_t hash = hash_bytes(word, n);
        uint64_t at = hash & mask;
        for (; slots[at] != 0; at = (at + 1) & mask) {
            if (slots[at] >> 32 == hash >> 32 && table.is_word(static_cast<int64_t>(slots[at] & 0xffffffffu) - 1, word, n))
                return id;
        }
        slots[at] = WordTable::slot(hash, id);
    }
    return -1;
}

// The first id whose word lies outside the blob or is not found under it, or -1.
inline int64_t first_lost(const WordTable& table) {
    for (int64_t id = 0; id < table.n_words; ++id) {
        const int64_t begin = table.offsets[id], end = table.offsets[id + 1];
        if (begin < 0 || begin > end || end > table.blob_size) return id;
        if (table.find(reinterpret_cast<const char*>(table.blob) + begin, static_cast<size_t>(end - begin)) != id) return id;
    }
    return -1;
}

// Appends a string of 1, 2 or 4 byte characters as UTF-8, lone surrogates as Python's "surrogatepass" has them.
template <class Char>
inline void append_utf8(std::vector<char>& out, const Char* p, size_t n) {
    const auto put = [&out](uint32_t b) { out.push_back(static_cast<char>(b)); };
    for (size_t i = 0; i < n; ++i) {
        const uint32_t c = p[i];
        if (c < 0x80) {
            put(c);
        } else if (c < 0x800) {
            put(0xc0 | c >> 6), put(0x80 | (c & 0x3f));
        } else if (c < 0x10000) {
            put(0xe0 | c >> 12), put(0x80 | (c >> 6 & 0x3f)), put(0x80 | (c & 0x3f));
        } else {
            put(0xf0 | c >> 18), put(0x80 | (c >> 12 & 0x3f)), put(0x80 | (c >> 6 & 0x3f)), put(0x80 | (c & 0x3f));
        }
    }
}

// A string as the interpreter holds it: `kind` bytes a character.
inline void append_string(std::vector<char>& out, const void* data, int kind, size_t n, bool ascii) {
    const char* bytes = static_cast<const char*>(data);
    if (ascii)
        out.insert(out.end(), bytes, bytes + n);
    else if (kind == 1)
        append_utf8(out, static_cast<const unsigned char*>(data), n);
    else if (kind == 2)
        append_utf8(out, static_cast<const uint16_t*>(data), n);
    else
        append_utf8(out, static_cast<const uint32_t*>(data), n);
}

// Counts words in the order in which they first appear. Memory: the distinct words, bounded by prune().
class WordCounter {
  public:
    WordCounter() { clear(); }

    // Adds `count` to a word; returns true where the word is new.
    bool add(const char* p, size_t n, int64_t count = 1) {
        const uint64_t hash = hash_bytes(p, n);
        uint64_t at = hash & mask_;
        for (; slots_[at].id_plus_1 != 0; at = (at + 1) & mask_) {
            if (slots_[at].tag != static_cast<uint32_t>(hash >> 32)) continue;
            const size_t id = slots_[at].id_plus_1 - 1;
            if (static_cast<size_t>(offsets[id + 1] - offsets[id]) == n && same_bytes(&blob[offsets[id]], p, n)) {
                counts[id] += count;
                return false;
            }
        }
        append(p, n, count);
        slots_[at] = {static_cast<uint32_t>(hash >> 32), static_cast<uint32_t>(counts.size())};
        if (counts.size() * 2 > slots_.size()) rehash(slots_.size() * 2);
        return true;
    }

    void merge(const WordCounter& other) {
        for (size_t id = 0; id < other.counts.size(); ++id)
            add(&other.blob[other.offsets[id]], static_cast<size_t>(other.offsets[id + 1] - other.offsets[id]),
                other.counts[id]);
    }

    // Forgets the words counted no more than `min_reduce` times (gensim's max_vocab_size).
    void prune(int64_t min_reduce) {
        WordCounter kept;
        for (size_t id = 0; id < counts.size(); ++id)
            if (counts[id] > min_reduce)
                kept.append(&blob[offsets[id]], static_cast<size_t>(offsets[id + 1] - offsets[id]), counts[id]);
        *this = std::move(kept);
        size_t capacity = 1024;
        while (capacity < counts.size() * 2 + 2) capacity *= 2;
        rehash(capacity);
    }

    void clear() {
        blob.clear();
        counts.clear();
        offsets.assign(1, 0);
        slots_.assign(1024, Slot{});
        mask_ = slots_.size() - 1;
    }

    std::vector<char> blob;
    std::vector<int64_t> offsets, counts;

  private:
    struct Slot {
        uint32_t tag = 0, id_plus_1 = 0;
    };

    void append(const char* p, size_t n, int64_t count) {
        blob.insert(blob.end(), p, p + n);
        offsets.push_back(static_cast<int64_t>(blob.size()));
        counts.push_back(count);
    }

    void rehash(size_t capacity) {
        slots_.assign(capacity, Slot{});
        mask_ = capacity - 1;
        for (size_t id = 0; id < counts.size(); ++id) {
            const uint64_t hash = hash_bytes(&blob[offsets[id]], static_cast<size_t>(offsets[id + 1] - offsets[id]));
            uint64_t at = hash & mask_;
            while (slots_[at].id_plus_1 != 0) at = (at + 1) & mask_;
            slots_[at] = {static_cast<uint32_t>(hash >> 32), static_cast<uint32_t>(id + 1)};
        }
    }

    std::vector<Slot> slots_;
    uint64_t mask_ = 0;
};

// ---------------------------------------------------------------------------------------------------
// A slice of a corpus file

enum class ReadStatus { OK, END, READ_ERROR, TOKEN_TOO_LONG };

// Reads the lines that start in [begin, end) of an open file, whose position the caller has set to
// `begin`, or to `begin - 1` where begin > 0 (to see whether a line starts at `begin`).
// Plain reads into one buffer, not a mapping: memory stays constant whatever the file's size, and a
// file that another process cuts short gives an early end, not a SIGBUS.
class SliceReader {
  public:
    static constexpr size_t BUFFER = 1 << 18, LONGEST_TOKEN = 1 << 20;

    // `stop` is polled with each read: where it is set, the file ends there.
    SliceReader(int file, int64_t begin, int64_t end, const volatile int64_t* stop)
        : file_(file), end_(end), base_(begin > 0 ? begin - 1 : 0), stop_(stop), buffer_(BUFFER) {
        if (begin > 0) skip_first_ = true;
    }

    // Calls token(pointer, length) for each token of the next line. END: no further line starts in the slice.
    template <class Token>
    ReadStatus next_line(Token&& token) {
        if (skip_first_) {
            skip_first_ = false;
            const ReadStatus status = skip_line();
            if (status != ReadStatus::OK) return status;
        }
        if (offset() >= end_) return ReadStatus::END;
        if (p_ == q_ && !fill()) return failed_ ? ReadStatus::READ_ERROR : ReadStatus::END;
        for (;;) {
            p_ = skip_to(skip_spaces(at(), limit()));
            if (limit() - at() < 3 && !eof_) {  // a wide space may straddle the buffer's end
                if (!fill() && failed_) return ReadStatus::READ_ERROR;
                continue;
            }
            if (p_ == q_) return ReadStatus::OK;  // the last line, without a newline
            if (buffer_[p_] == '\n') {
                ++p_;
                return ReadStatus::OK;
            }
            const char* stop = token_end(at(), limit());
            while (limit() - stop < 3 && !eof_) {
                const size_t scanned = static_cast<size_t>(stop - at());
                if (scanned > LONGEST_TOKEN) return ReadStatus::TOKEN_TOO_LONG;
                if (!fill() && failed_) return ReadStatus::READ_ERROR;
                stop = token_end(at() + (scanned > 2 ? scanned - 2 : 0), limit());
            }
            if (static_cast<size_t>(stop - at()) > LONGEST_TOKEN) return ReadStatus::TOKEN_TOO_LONG;
            token(at(), static_cast<size_t>(stop - at()));
            p_ = skip_to(stop);
        }
    }

    // The file offset of the next unread byte; within next_line's callback, of the token.
    int64_t offset() const { return base_ + static_cast<int64_t>(p_); }

  private:
    const char* at() const { return buffer_.data() + p_; }
    const char* limit() const { return buffer_.data() + q_; }
    size_t skip_to(const char* p) const { return static_cast<size_t>(p - buffer_.data()); }

    ReadStatus skip_line() {
        for (;;) {
            const void* newline = q_ > p_ ? std::memchr(at(), '\n', q_ - p_) : nullptr;
            if (newline) {
                p_ = skip_to(static_cast<const char*>(newline)) + 1;
                return ReadStatus::OK;
            }
            p_ = q_;
            if (offset() >= end_) return ReadStatus::END;
            if (!fill()) return failed_ ? ReadStatus::READ_ERROR : ReadStatus::END;
        }
    }

    // Moves the unread rest to the front and reads on behind it; false at the end of the file or on error.
    bool fill() {
        eof_ = eof_ || *stop_ != 0;
        if (eof_) return false;
        std::memmove(buffer_.data(), at(), q_ - p_);
        base_ += static_cast<int64_t>(p_);
        q_ -= p_;
        p_ = 0;
        if (q_ * 2 > buffer_.size()) buffer_.resize(buffer_.size() * 2);
        for (;;) {
#if defined(_WIN32)
            const int got = _read(file_, buffer_.data() + q_, static_cast<unsigned>(buffer_.size() - q_));
#else
            const ssize_t got = read(file_, buffer_.data() + q_, buffer_.size() - q_);
#endif
            if (got < 0 && errno == EINTR) continue;
            failed_ = got < 0;
            eof_ = got <= 0;
            if (got > 0) q_ += static_cast<size_t>(got);
            return got > 0;
        }
    }

    int file_;
    int64_t end_, base_;
    const volatile int64_t* stop_;
    std::vector<char> buffer_;
    size_t p_ = 0, q_ = 0;
    bool skip_first_ = false, eof_ = false, failed_ = false;
};

// What one thread has counted: words, lines and tokens of the slices given to it so far. It stops at a
// token that is not text and leaves its offset in `bad_offset`.
struct CorpusCount {
    WordCounter words;
    int64_t lines = 0, tokens = 0, bad_offset = -1, min_reduce = 1;
    int error = 0;

    // A Ctrl-C sets `stop`.
    ReadStatus add_slice(int file, int64_t begin, int64_t end, int64_t max_words, const volatile int64_t* stop) {
        SliceReader reader(file, begin, end, stop);
        const auto count = [&](const char* p, size_t n) {
            ++tokens;
            if (words.add(p, n) && bad_offset < 0 && !valid_word(p, n)) bad_offset = reader.offset();
        };
        ReadStatus status = ReadStatus::OK;
        while (bad_offset < 0 && *stop == 0 && (status = reader.next_line(count)) == ReadStatus::OK) {
            ++lines;
            bound(max_words);
        }
        if (status == ReadStatus::READ_ERROR) error = errno;
        if (status == ReadStatus::TOKEN_TOO_LONG) bad_offset = reader.offset();
        return status;
    }

    template <class Pack>
    void add_pack(const Pack& pack, int64_t max_words) {
        for (int64_t s = 0; s < pack.n_sentences; ++s) {
            pack.each_token(s, [&](const char* p, size_t n) {
                ++tokens;
                words.add(p, n);
            });
            ++lines;
            bound(max_words);
        }
    }

    void merge(const CorpusCount& other, int64_t max_words) {
        words.merge(other.words);
        lines += other.lines;
        tokens += other.tokens;
        bound(max_words);
    }

    void bound(int64_t max_words) {
        while (max_words > 0 && static_cast<int64_t>(words.counts.size()) > max_words) words.prune(min_reduce++);
    }
};

}  // namespace s2v
