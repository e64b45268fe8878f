// Maps words to ids: a hash table that can be memory-mapped from a file, and a word counter.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

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

// Loads eight bytes at p as a little-endian integer.
inline uint64_t read_eight(const void* p) {
    const uint64_t bytes = read_as<uint64_t>(p);
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    return __builtin_bswap64(bytes);
#else
    return bytes;
#endif
}

inline int lowest_bit(uint64_t bits) {
#if defined(_MSC_VER)
    unsigned long at;
    _BitScanForward64(&at, bits);
    return static_cast<int>(at);
#else
    return __builtin_ctzll(bits);
#endif
}

// Mask for the n lowest bytes; all ones if n >= 8.
inline uint64_t lowest_bytes(size_t n) { return n == 0 ? 0 : n >= 8 ? ~0ull : ~0ull >> (64 - 8 * n); }

// The first min(n, 8) bytes of a word, zero-padded. Eight bytes at p must be readable.
inline uint64_t first_bytes(const char* p, size_t n) { return read_eight(p) & lowest_bytes(n); }

// A word's UTF-8 bytes with two precomputed values: its first eight bytes (zero-padded) and its hash. Most words fit in
// eight bytes, so hashing and comparing them is arithmetic on a single integer, with no branch on the length.
struct Word {
    const char* p;
    size_t n;
    uint64_t first, hash;

    Word() = default;
    Word(const char* p, size_t n) : Word(p, n, n >= 8 ? read_eight(p) : read_short(p, n)) {}
    Word(const char* p, size_t n, uint64_t first) : p(p), n(n), first(first), hash(hash_of(p, n, first)) {}

    // Whether the word equals the n bytes at q. `readable` is the number of bytes that can safely be read from q.
    bool is(const char* q, int64_t readable) const {
        if (readable < 8) return std::memcmp(p, q, n) == 0;
        return (read_eight(q) & lowest_bytes(n)) == first && (n <= 8 || std::memcmp(p + 8, q + 8, n - 8) == 0);
    }

  private:
    static uint64_t read_short(const char* p, size_t n) {
        uint64_t bytes = 0;
        for (size_t i = 0; i < n; ++i) bytes |= static_cast<uint64_t>(static_cast<unsigned char>(p[i])) << 8 * i;
        return bytes;
    }

    // The hash is part of the file format: later versions probe tables built by this one, so the function must never
    // change (tests pin its values). It folds in eight bytes at a time. The last one to eight bytes are read as two
    // groups of four that may overlap, or, if fewer than four are left, as the first, middle and last byte.
    static uint64_t hash_of(const char* p, size_t n, uint64_t last) {
        const uint64_t k0 = 0x9e3779b97f4a7c15ull, k1 = 0xd6e8feb86659fd93ull;
        uint64_t h = n * k0;
        if (n > 8) {
            for (; n > 8; p += 8, n -= 8) h = multiply_fold(h ^ read_eight(p), k1);
            last = read_eight(p + n - 8) >> (64 - 8 * n);
        }
        const uint64_t fours = (last & 0xffffffffu) | (last >> (8 * (n - 4) & 63)) << 32;
        const uint64_t ones = (last & 0xff) | (last >> 8 * (n / 2) & 0xff) << 8 | (last >> (8 * (n - 1) & 63)) << 16;
        return multiply_fold(h ^ (n >= 4 ? fours : ones), k0 ^ k1);
    }
};

// ---------------------------------------------------------------------------------------------------
// Word table and word counter

// Open-addressing hash table over words stored back to back in `blob`; word i is [offsets[i], offsets[i+1]).
// A slot holds the upper half of the hash and id + 1; an empty slot is 0. All three arrays may be memory-mapped
// read-only from an unvalidated file, so find() bounds-checks everything it reads from them.
struct WordTable {
    const unsigned char* blob = nullptr;
    const int64_t* offsets = nullptr;
    const uint64_t* slots = nullptr;
    int64_t blob_size = 0, n_words = 0, n_slots = 0;  // n_slots is a power of two

    static uint64_t slot(uint64_t hash, int64_t id) { return (hash >> 32) << 32 | static_cast<uint64_t>(id + 1); }

    // The addresses that find() reads first, for prefetching.
    const uint64_t* first_slot(uint64_t hash) const { return slots + (hash & (static_cast<uint64_t>(n_slots) - 1)); }
    const int64_t* first_offset(uint64_t hash) const { return offsets + (*first_slot(hash) & 0xffffffffu); }

    // Word `id`. Does no bounds checks: the offsets must have been validated.
    Word word(int64_t id) const {
        return {reinterpret_cast<const char*>(blob) + offsets[id], static_cast<size_t>(offsets[id + 1] - offsets[id])};
    }

    bool is_word(int64_t id, const Word& word) const {
        const int64_t begin = offsets[id], end = offsets[id + 1];
        return begin >= 0 && begin <= end && end <= blob_size && end - begin == static_cast<int64_t>(word.n) &&
               word.is(reinterpret_cast<const char*>(blob) + begin, blob_size - begin);
    }

    int64_t find(const Word& word) const {
        const uint64_t mask = static_cast<uint64_t>(n_slots) - 1;
        for (int64_t probe = 0; probe < n_slots; ++probe) {
            const uint64_t s = slots[(word.hash + static_cast<uint64_t>(probe)) & mask];
            if (s == 0) return -1;
            if (s >> 32 != word.hash >> 32) continue;
            const int64_t id = static_cast<int64_t>(s & 0xffffffffu) - 1;
            if (id >= 0 && id < n_words && is_word(id, word)) return id;
        }
        return -1;
    }
};

// Fills `slots` from the words of `table`. Returns the first id that duplicates an earlier word, or -1.
inline int64_t fill_slots(const WordTable& table, uint64_t* slots) {
    const uint64_t mask = static_cast<uint64_t>(table.n_slots) - 1;
    for (int64_t id = 0; id < table.n_words; ++id) {
        const Word word = table.word(id);
        uint64_t at = word.hash & mask;
        for (; slots[at] != 0; at = (at + 1) & mask) {
            if (slots[at] >> 32 == word.hash >> 32 &&
                table.is_word(static_cast<int64_t>(slots[at] & 0xffffffffu) - 1, word))
                return id;
        }
        slots[at] = WordTable::slot(word.hash, id);
    }
    return -1;
}

// Returns the first id whose word lies outside the blob or does not look up to that id, or -1 if the table is valid.
inline int64_t first_lost(const WordTable& table) {
    for (int64_t id = 0; id < table.n_words; ++id) {
        const int64_t begin = table.offsets[id], end = table.offsets[id + 1];
        if (begin < 0 || begin > end || end > table.blob_size) return id;
        if (table.find(table.word(id)) != id) return id;
    }
    return -1;
}

// Counts words; ids follow the order of first appearance. Memory grows with the number of distinct words, which
// prune() keeps bounded.
class WordCounter {
  public:
    WordCounter() { clear(); }

    // Adds `count` to a word. Returns true if the word is new.
    bool add(const Word& word, int64_t count = 1) {
        Slot& slot = slots_[slot_of(word)];
        if (slot.id_plus_1 != 0) {
            counts[slot.id_plus_1 - 1] += count;
            return false;
        }
        append(word, count);
        slot = {word.first, tag_of(word), static_cast<uint32_t>(counts.size())};
        if (counts.size() * 2 > slots_.size()) rehash(slots_.size() * 2);
        return true;
    }

    // The address that add() reads first, for prefetching.
    const void* first_slot(const Word& word) const { return &slots_[word.hash & mask_]; }

    // The id of a word, or -1.
    int64_t find(const Word& word) const { return static_cast<int64_t>(slots_[slot_of(word)].id_plus_1) - 1; }

    void merge(const WordCounter& other) {
        for (size_t id = 0; id < other.counts.size(); ++id) add(other.word(id), other.counts[id]);
    }

    // Drops words with a count of at most `min_reduce`, as gensim does for max_vocab_size.
    void prune(int64_t min_reduce) {
        WordCounter kept;
        for (size_t id = 0; id < counts.size(); ++id)
            if (counts[id] > min_reduce) kept.append(word(id), counts[id]);
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
    // A tag holds 24 bits of the hash and the length, at most 255. Words of up to eight bytes are equal if these and
    // their first bytes are, so that counting them reads nothing else.
    struct Slot {
        uint64_t first = 0;
        uint32_t tag = 0, id_plus_1 = 0;
    };
    static uint32_t tag_of(const Word& word) {
        return static_cast<uint32_t>(word.hash >> 40) << 8 | static_cast<uint32_t>(std::min<size_t>(word.n, 255));
    }

    // The position of a word's slot, or of the empty one where it belongs.
    size_t slot_of(const Word& word) const {
        const uint32_t tag = tag_of(word);
        size_t at = word.hash & mask_;
        for (; slots_[at].id_plus_1 != 0; at = (at + 1) & mask_)
            if (slots_[at].tag == tag && slots_[at].first == word.first &&
                (word.n <= 8 || is_word(slots_[at].id_plus_1 - 1, word)))
                break;
        return at;
    }

    size_t length(size_t id) const { return static_cast<size_t>(offsets[id + 1] - offsets[id]); }
    Word word(size_t id) const { return {blob.data() + offsets[id], length(id)}; }

    bool is_word(size_t id, const Word& word) const {
        return length(id) == word.n &&
               word.is(blob.data() + offsets[id], static_cast<int64_t>(blob.size()) - offsets[id]);
    }

    void append(const Word& word, int64_t count) {
        blob.insert(blob.end(), word.p, word.p + word.n);
        offsets.push_back(static_cast<int64_t>(blob.size()));
        counts.push_back(count);
    }

    void rehash(size_t capacity) {
        slots_.assign(capacity, Slot{});
        mask_ = capacity - 1;
        for (size_t id = 0; id < counts.size(); ++id) {
            const Word known = word(id);
            uint64_t at = known.hash & mask_;
            while (slots_[at].id_plus_1 != 0) at = (at + 1) & mask_;
            slots_[at] = {known.first, tag_of(known), static_cast<uint32_t>(id + 1)};
        }
    }

    std::vector<Slot> slots_;
    uint64_t mask_ = 0;
};

}  // namespace s2v
