// Tokenization without the Python interpreter: whitespace, UTF-8, and a reader for one slice of a corpus file.
#pragma once

#include <algorithm>
#include <cerrno>

#if defined(_WIN32)
#include <io.h>
#else
#include <unistd.h>
#endif
#include "flag.hpp"
#include "prefetch.hpp"
#include "word_table.hpp"

namespace s2v {

// ---------------------------------------------------------------------------------------------------
// Tokenizer: splits exactly as Python's str.split() does. Only '\n' ends a line.

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

// Length in bytes of the non-ASCII whitespace character at p, or 0 if there is none.
inline int wide_space(const char* p, const char* end) {
    const auto byte = [p](int i) { return static_cast<unsigned char>(p[i]); };
    if (end - p < 2) return 0;
    if (byte(0) == 0xc2) return byte(1) == 0x85 || byte(1) == 0xa0 ? 2 : 0;  // U+0085, U+00A0
    if (end - p < 3) return 0;
    const unsigned code = (byte(0) & 0x0fu) << 12 | (byte(1) & 0x3fu) << 6 | (byte(2) & 0x3fu);
    if ((byte(1) & 0xc0) != 0x80 || (byte(2) & 0xc0) != 0x80) return 0;
    const bool space = code == 0x1680 || (code >= 0x2000 && code <= 0x200a) || code == 0x2028 || code == 0x2029 ||
                       code == 0x202f || code == 0x205f || code == 0x3000;
    return space ? 3 : 0;
}

inline bool space_at(const char* p, const char* end) {
    const unsigned char kind = byte_classes.of[static_cast<unsigned char>(*p)];
    return kind != WORD && (kind != WIDE_SPACE_LEAD || wide_space(p, end));
}

// Sets the high bit of each byte that may start a whitespace character: 0x00-0x20, 0xc2 and 0xe0-0xe3. Tests eight
// bytes at once; the caller rules out false positives.
inline uint64_t maybe_spaces(uint64_t bytes) {
    const uint64_t ones = 0x0101010101010101ull, high = 0x80 * ones;
    const auto nonzero = [=](uint64_t b) { return ((b & ~high) + ~high) | b; };  // result in the high bit of each byte
    const uint64_t above_space = ((bytes & ~high) + 0x5f * ones) | bytes;
    return high & ~(above_space & nonzero(bytes ^ 0xc2 * ones) & nonzero((bytes & 0xfc * ones) ^ 0xe0 * ones));
}

// End of the token that starts at p: the first whitespace at or after p, or `end`.
inline const char* token_end(const char* p, const char* end) {
    for (; end - p >= 8; p += 8)
        for (uint64_t spaces = maybe_spaces(read_eight(p)); spaces; spaces &= spaces - 1) {
            const char* space = p + lowest_bit(spaces) / 8;
            if (space_at(space, end)) return space;
        }
    while (p < end && !space_at(p, end)) ++p;
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

// Length in bytes of the UTF-8 character at p, or 0 if it is invalid. As strict as Python's decoder: surrogates and
// overlong encodings are invalid.
inline int utf8_length(const char* p, const char* end) {
    const auto byte = [p](int i) { return static_cast<unsigned char>(p[i]); };
    const unsigned char lead = byte(0);
    if (lead < 0x80) return 1;
    const int length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || end - p < length) return 0;
    for (int i = 1; i < length; ++i)
        if ((byte(i) & 0xc0) != 0x80) return 0;
    if ((lead == 0xe0 && byte(1) < 0xa0) || (lead == 0xed && byte(1) > 0x9f) || (lead == 0xf0 && byte(1) < 0x90) ||
        (lead == 0xf4 && byte(1) > 0x8f))
        return 0;
    return length;
}

// Whether the bytes are valid UTF-8 without NUL. A NUL in a text corpus means that the file is binary.
inline bool valid_word(const char* p, size_t n) {
    const char* end = p + n;
    while (p < end) {
        const int length = *p != 0 ? utf8_length(p, end) : 0;
        if (!length) return false;
        p += length;
    }
    return true;
}

// Appends a string of 1, 2 or 4-byte characters as UTF-8. Encodes lone surrogates like Python's "surrogatepass".
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

// Appends a string in CPython's internal representation, `kind` bytes per character.
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

// ---------------------------------------------------------------------------------------------------
// A slice of a corpus file

enum class ReadStatus { OK, END, READ_ERROR, TOKEN_TOO_LONG };

// Reads the lines that start in [begin, end) of an open file. The caller must have set the file position to 0 if
// begin is 0, and to `begin - 1` otherwise: the byte before `begin` shows whether a line starts there.
// Uses plain reads into one buffer instead of a memory-mapped file: memory use does not depend on the file's size, and
// if another process truncates the file, reading ends early instead of raising SIGBUS.
class SliceReader {
  public:
    static constexpr size_t BUFFER = 1 << 18, LONGEST_TOKEN = 1 << 20;

    // `stop` is polled before each read. Once it is set, the reader behaves as if the file ended there.
    SliceReader(int file, int64_t begin, int64_t end, const Flag* stop)
        : file_(file), end_(end), base_(begin > 0 ? begin - 1 : 0), stop_(stop), buffer_(BUFFER + 8) {
        if (begin > 0) skip_first_ = true;
    }

    // Calls token(pointer, length) for each token of the next line, and moving() before the buffer moves, until which
    // the pointers are valid. At least eight bytes are readable at a pointer. Returns END if no further line starts in
    // the slice.
    template <class Token, class Moving>
    ReadStatus next_line(Token&& token, Moving&& moving) {
        const auto refill = [&] {
            moving();
            return fill();
        };
        if (skip_first_) {
            skip_first_ = false;
            const ReadStatus status = skip_line();
            if (status != ReadStatus::OK) return status;
        }
        if (offset() >= end_) return ReadStatus::END;
        if (p_ == q_ && !refill()) return failed_ ? ReadStatus::READ_ERROR : ReadStatus::END;
        for (;;) {
            p_ = skip_to(skip_spaces(at(), limit()));
            if (limit() - at() < 3 && !eof_) {  // a multi-byte space may straddle the buffer's end
                if (!refill() && failed_) return ReadStatus::READ_ERROR;
                continue;
            }
            if (p_ == q_) return ReadStatus::OK;  // last line, not terminated by a newline
            if (buffer_[p_] == '\n') {
                ++p_;
                return ReadStatus::OK;
            }
            const char* stop = token_end(at(), limit());
            while (limit() - stop < 3 && !eof_) {
                const size_t scanned = static_cast<size_t>(stop - at());
                if (scanned > LONGEST_TOKEN) return ReadStatus::TOKEN_TOO_LONG;
                if (!refill() && failed_) return ReadStatus::READ_ERROR;
                stop = token_end(at() + (scanned > 2 ? scanned - 2 : 0), limit());
            }
            if (static_cast<size_t>(stop - at()) > LONGEST_TOKEN) return ReadStatus::TOKEN_TOO_LONG;
            token(at(), static_cast<size_t>(stop - at()));
            p_ = skip_to(stop);
        }
    }

    // File offset of the next unread byte; inside next_line's callback, of the current token.
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

    // Moves the unread bytes to the front of the buffer and fills the rest. Returns false at end of file or on error.
    bool fill() {
        eof_ = eof_ || stop_->is_set();
        if (eof_) return false;
        std::memmove(buffer_.data(), at(), q_ - p_);
        base_ += static_cast<int64_t>(p_);
        q_ -= p_;
        p_ = 0;
        if (q_ * 2 > buffer_.size()) buffer_.resize(buffer_.size() * 2);
        const size_t room = buffer_.size() - 8 - q_;
        for (;;) {
#if defined(_WIN32)
            const int got = _read(file_, buffer_.data() + q_, static_cast<unsigned>(room));
#else
            const ssize_t got = read(file_, buffer_.data() + q_, room);
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
    const Flag* stop_;
    std::vector<char> buffer_;
    size_t p_ = 0, q_ = 0;
    bool skip_first_ = false, eof_ = false, failed_ = false;
};

// One thread's counts of words, lines and tokens over the slices it has processed. Counting stops soon after the first
// token that is not valid text; its file offset is stored in `bad_offset`.
struct CorpusCount {
    WordCounter words;
    int64_t lines = 0, tokens = 0, bad_offset = -1, min_reduce = 1;
    int error = 0;

    // Ctrl-C sets `stop`.
    ReadStatus add_slice(int file, int64_t begin, int64_t end, int64_t max_words, const Flag* stop) {
        SliceReader reader(file, begin, end, stop);
        // Each word is counted a few tokens late, so that its slot reaches the cache in the meantime.
        constexpr size_t LATE = 8;
        Word late[LATE];
        int64_t offsets[LATE];
        size_t n_counted = 0, n_late = 0;
        const auto count = [&] {
            const size_t at = n_counted++ % LATE;
            if (words.add(late[at]) && bad_offset < 0 && !valid_word(late[at].p, late[at].n)) bad_offset = offsets[at];
        };
        const auto count_all = [&] {
            while (n_counted < n_late) count();
        };
        const auto add = [&](const char* p, size_t n) {
            ++tokens;
            if (n_late - n_counted == LATE) count();
            const size_t at = n_late++ % LATE;
            late[at] = {p, n, first_bytes(p, n)};
            offsets[at] = reader.offset();
            prefetch_line(words.first_slot(late[at]));
        };
        ReadStatus status = ReadStatus::OK;
        while (bad_offset < 0 && !stop->is_set() && (status = reader.next_line(add, count_all)) == ReadStatus::OK) {
            ++lines;
            if (max_words <= 0) continue;
            count_all();
            bound(max_words);
        }
        count_all();
        if (status == ReadStatus::READ_ERROR) error = errno;
        if (status == ReadStatus::TOKEN_TOO_LONG && bad_offset < 0) bad_offset = reader.offset();
        return status;
    }

    template <class Pack>
    void add_pack(const Pack& pack, int64_t max_words) {
        for (int64_t s = 0; s < pack.n_sentences; ++s) {
            pack.each_token(s, [&](const char* p, size_t n) {
                ++tokens;
                words.add({p, n, first_bytes(p, n)});
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
