// The dictionary in the reference program's .bin files: arbitrary bytes per word, terminated by a NUL and followed
// by an int64 count and an int8 type. Also a word table that is built in parts, for vocabularies that exceed the memory
// limit.
#pragma once

#include "text.hpp"

namespace s2v {

// ---------------------------------------------------------------------------------------------------
// Arbitrary bytes as text. A byte that is not valid UTF-8 becomes the lone surrogate U+DC00 + byte, like Python's
// "surrogateescape", and is stored as the three bytes that "surrogatepass" writes. Distinct words stay so: encoded
// surrogates are not valid UTF-8 either, so if a file contains them, each of their bytes is escaped.

inline void append_escaped(std::vector<char>& out, const char* p, size_t n) {
    for (const char* end = p + n; p < end;) {
        if (const int length = utf8_length(p, end)) {
            out.insert(out.end(), p, p + length);
            p += length;
        } else {
            const auto byte = static_cast<unsigned char>(*p++);
            for (unsigned b : {0xedu, 0xb0u | byte >> 6, 0x80u | (byte & 0x3fu)}) out.push_back(static_cast<char>(b));
        }
    }
}

inline void append_unescaped(std::vector<char>& out, const unsigned char* p, size_t n) {
    for (const unsigned char* end = p + n; p < end;) {
        const bool escaped = end - p >= 3 && p[0] == 0xed && (p[1] == 0xb2 || p[1] == 0xb3) && (p[2] & 0xc0) == 0x80;
        out.push_back(static_cast<char>(escaped ? (p[1] & 3) << 6 | (p[2] & 0x3f) : *p));
        p += escaped ? 3 : 1;
    }
}

// ---------------------------------------------------------------------------------------------------
// Dictionary entries

struct Entries {
    static constexpr size_t TAIL = 1 + sizeof(int64_t) + 1;  // bytes that follow the word: NUL, count, type

    std::vector<char> blob;
    std::vector<int64_t> lengths, counts, ends;  // ends: offset in the input at which each entry ends
    std::vector<uint64_t> hashes;
    std::vector<char> types;

    // Parses at most `most` complete entries; ignores a partial entry at the end of the data.
    void read(const char* data, size_t n, int64_t most) {
        const char *p = data, *end = data + n;
        while (static_cast<int64_t>(counts.size()) < most) {
            const void* zero = p < end ? std::memchr(p, 0, static_cast<size_t>(end - p)) : nullptr;
            if (!zero || static_cast<size_t>(end - static_cast<const char*>(zero)) < TAIL) break;
            const char* stop = static_cast<const char*>(zero);
            const size_t before = blob.size();
            append_escaped(blob, p, static_cast<size_t>(stop - p));
            lengths.push_back(static_cast<int64_t>(blob.size() - before));
            hashes.push_back(Word(blob.data() + before, blob.size() - before).hash);
            counts.push_back(read_as<int64_t>(stop + 1));
            types.push_back(stop[TAIL - 1]);
            p = stop + TAIL;
            ends.push_back(p - data);
        }
    }
};

// Appends word entries (type 0) in the file format.
inline void append_entries(std::vector<char>& out, const unsigned char* blob, const int64_t* offsets,
                           const int64_t* counts, int64_t n) {
    for (int64_t i = 0; i < n; ++i) {
        append_unescaped(out, blob + offsets[i], static_cast<size_t>(offsets[i + 1] - offsets[i]));
        out.push_back(0);
        const char* count = reinterpret_cast<const char*>(counts + i);
        out.insert(out.end(), count, count + sizeof(int64_t));
        out.push_back(0);
    }
}

// Appends buckets of a word's character n-grams, `minn` to `maxn` characters long, in the reference program's order.
// The n-grams are taken from "<word>", without the unigrams "<" and ">", and hashed with FNV-1a over signed bytes.
inline void append_character_buckets(std::vector<int64_t>& out, const unsigned char* word, size_t n, int minn, int maxn,
                                     uint32_t bucket) {
    std::vector<char> text(1, '<');
    append_unescaped(text, word, n);
    text.push_back('>');
    const auto continues = [&](size_t i) { return i < text.size() && (text[i] & 0xc0) == 0x80; };
    for (size_t i = 0; i < text.size(); ++i) {
        if (continues(i)) continue;
        uint32_t h = 2166136261u;
        size_t j = i;
        for (int length = 1; length <= maxn && j < text.size(); ++length) {
            do h = (h ^ static_cast<uint32_t>(static_cast<signed char>(text[j++]))) * 16777619u;
            while (continues(j));
            if (length >= minn && !(length == 1 && (i == 0 || j == text.size()))) out.push_back(h % bucket);
        }
    }
}

// ---------------------------------------------------------------------------------------------------
// Building a word table in parts

// Slots [begin, begin + size) of a WordTable with `n_slots` slots, filled with the words that hash into that range.
struct TablePart {
    static constexpr size_t MOST_ALIKE = 256;

    uint64_t* slots;
    uint64_t begin, size, n_slots;
    std::vector<int64_t> over;   // indices of words that did not fit before the end; they carry over to the next part
    std::vector<int64_t> alike;  // pairs of ids whose slots have equal hash bits: duplicates or collisions

    // Probing starts at a word's home slot or, for words carried over from the previous part, at the start of this one.
    // Stops once there are more matching hashes than chance can explain: a file that repeats one word many times would
    // otherwise take quadratic time.
    void place(const uint64_t* hashes, const int64_t* ids, int64_t n, bool carried) {
        for (int64_t i = 0; i < n && alike.size() < MOST_ALIKE; ++i) {
            uint64_t at = carried ? 0 : (hashes[i] & (n_slots - 1)) - begin;
            for (; at < size && slots[at] != 0; ++at) {
                if (slots[at] >> 32 != hashes[i] >> 32) continue;
                alike.push_back(static_cast<int64_t>(slots[at] & 0xffffffffu) - 1);
                alike.push_back(ids[i]);
            }
            if (at < size)
                slots[at] = WordTable::slot(hashes[i], ids[i]);
            else
                over.push_back(i);
        }
    }
};

}  // namespace s2v
