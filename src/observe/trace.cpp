#include "observe/trace.hpp"

#include <sys/random.h>

#include <bit>
#include <cstring>
#include <random>

namespace cleave::observe {
namespace {

constexpr char kHex[] = "0123456789abcdef";

/// xoshiro256++ (Blackman and Vigna, https://prng.di.unimi.it/): ids must not collide, they need
/// not be secret.
class Generator {
 public:
  Generator() {
    if (getrandom(state_, sizeof state_, 0) == static_cast<ssize_t>(sizeof state_)) return;
    std::random_device device;  // an old or filtered kernel
    for (std::uint64_t& word : state_) word = (std::uint64_t{device()} << 32) | device() | 1;
  }
  std::uint64_t next() noexcept {
    const std::uint64_t result = std::rotl(state_[0] + state_[3], 23) + state_[0];
    const std::uint64_t shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = std::rotl(state_[3], 45);
    return result;
  }
  /// Never zero: an id of zeros is invalid in a traceparent.
  std::uint64_t next_id() noexcept {
    std::uint64_t id = next();
    while (id == 0) id = next();
    return id;
  }

 private:
  std::uint64_t state_[4];
};

Generator& generator() {
  thread_local Generator of_thread;
  return of_thread;
}

void put_hex(char* out, std::uint64_t value, int digits) noexcept {
  for (int i = digits - 1; i >= 0; --i, value >>= 4) out[i] = kHex[value & 15];
}

bool lower_hex(std::string_view text) noexcept {
  for (const char c : text) {
    if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) return false;
  }
  return true;
}

bool all_zero(std::string_view text) noexcept {
  return text.find_first_not_of('0') == std::string_view::npos;
}

int digit(char c) noexcept {
  return c <= '9' ? c - '0' : c - 'a' + 10;
}

/// W3C trace context, 3.2: a later version may be longer, ff is forbidden, ids are not zero.
bool valid(std::string_view header) noexcept {
  if (header.size() < 55 || header[2] != '-' || header[35] != '-' || header[52] != '-') {
    return false;
  }
  const std::string_view version = header.substr(0, 2), trace = header.substr(3, 32);
  const std::string_view span = header.substr(36, 16), flags = header.substr(53, 2);
  if (!lower_hex(version) || !lower_hex(trace) || !lower_hex(span) || !lower_hex(flags)) {
    return false;
  }
  if (version == "ff" || all_zero(trace) || all_zero(span)) return false;
  return header.size() == 55 || (version != "00" && header[55] == '-');
}

}  // namespace

TraceContext TraceContext::make() {
  TraceContext made;
  put_hex(made.trace_id.data(), generator().next_id(), 16);
  put_hex(made.trace_id.data() + 16, generator().next(), 16);
  put_hex(made.span_id.data(), generator().next_id(), 16);
  return made;
}

TraceContext TraceContext::from(std::string_view traceparent) {
  if (!valid(traceparent)) return make();
  TraceContext continued;
  std::memcpy(continued.trace_id.data(), traceparent.data() + 3, continued.trace_id.size());
  put_hex(continued.span_id.data(), generator().next_id(), 16);
  continued.sampled = (digit(traceparent[54]) & 1) != 0;
  return continued;
}

TraceContext TraceContext::child() const {
  TraceContext made = *this;
  put_hex(made.span_id.data(), generator().next_id(), 16);
  return made;
}

void TraceContext::append_header(std::string& to) const {
  to.append("00-").append(trace_id.data(), trace_id.size()).append("-");
  to.append(span_id.data(), span_id.size()).append(sampled ? "-01" : "-00");
}

std::array<char, 36> make_uuid() {
  using std::chrono::system_clock;
  const auto since = system_clock::now().time_since_epoch();
  const auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(since).count();
  const std::uint64_t low = generator().next(), high = generator().next();
  std::array<char, 36> text;
  text[8] = text[13] = text[18] = text[23] = '-';
  put_hex(&text[0], static_cast<std::uint64_t>(millis) >> 16, 8);
  put_hex(&text[9], static_cast<std::uint64_t>(millis) & 0xffff, 4);
  put_hex(&text[14], 0x7000 | (high & 0xfff), 4);           // version 7
  put_hex(&text[19], 0x8000 | ((high >> 12) & 0x3fff), 4);  // variant 10
  put_hex(&text[24], low, 12);
  return text;
}

std::uint8_t Timeline::open(std::string_view name, SpanKind kind, std::uint8_t parent) noexcept {
  if (size_ == kMost) {
    ++dropped_;
    return kNone;
  }
  const std::uint8_t index = size_++;
  Span& span = spans_[index];
  span.name = name;
  span.kind = kind;
  span.parent = parent < index ? parent : index;
  span.end = {};
  span.start = Span::Clock::now();
  return index;
}

void Timeline::close(std::uint8_t span) noexcept {
  if (span < size_) spans_[span].end = Span::Clock::now();
}

}  // namespace cleave::observe
