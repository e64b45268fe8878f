// A flag that one thread sets while others poll it.
#pragma once

#include <atomic>

namespace s2v {

// Relaxed, as nothing else is passed between the threads: polling costs no more than reading a plain variable.
class Flag {
  public:
    void set() { value_.store(true, std::memory_order_relaxed); }
    bool is_set() const { return value_.load(std::memory_order_relaxed); }

  private:
    std::atomic<bool> value_{false};
};

}  // namespace s2v
