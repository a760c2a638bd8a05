#include "http/chunked.hpp"

#include <algorithm>

#include "http/chars.hpp"

namespace cleave::http {
namespace {

// Nobody uses extensions; an unlimited one is a body that no body limit sees.
constexpr std::size_t kMostOverhead = 1024;
constexpr std::uint8_t kMostDigits = 16;

}  // namespace

bool ChunkedDecoder::fail() noexcept {
  refusal_ = {400, "bad-chunk", "The chunked body is malformed."};
  return false;
}

Parse ChunkedDecoder::feed(std::string_view bytes, std::size_t& used, Refusal& refusal) {
  used = 0;
  while (used < bytes.size() && !done_) {
    if (state_ == State::kData) {
      const std::size_t take = std::min<std::uint64_t>(left_, bytes.size() - used);
      body_.append(bytes.data() + used, take);
      used += take;
      left_ -= take;
      if (left_ == 0) state_ = State::kDataCr;
    } else if (!step(bytes[used++])) {
      refusal = refusal_;
      return Parse::kRefused;
    }
  }
  return done_ ? Parse::kComplete : Parse::kMore;
}

bool ChunkedDecoder::step(char c) {
  switch (state_) {
    case State::kSizeStart:
      left_ = 0;
      digits_ = 0;
      state_ = State::kSize;
      if (!is(c, kHex)) return fail();
      [[fallthrough]];
    case State::kSize:
      if (is(c, kHex)) {
        if (++digits_ > kMostDigits) return fail();  // so that no shift below loses a bit
        left_ = left_ * 16 + static_cast<unsigned>(hex_value(c));
        return true;
      }
      if (c == ';') {
        state_ = State::kExtension;
        return true;
      }
      if (c != '\r') return fail();
      state_ = State::kSizeLf;
      return true;
    case State::kExtension:
      if (c == '\r') {
        state_ = State::kSizeLf;
        return true;
      }
      return is(c, kField) && ++overhead_ <= kMostOverhead ? true : fail();
    case State::kSizeLf:
      return c == '\n' ? size_ended() : fail();
    case State::kDataCr:
      state_ = State::kDataLf;
      return c == '\r' ? true : fail();
    case State::kDataLf:
      state_ = State::kSizeStart;
      return c == '\n' ? true : fail();
    case State::kTrailer:
      return trailer_byte(c);
    case State::kData:
      break;  // handled in bulk by feed()
  }
  return fail();
}

bool ChunkedDecoder::size_ended() {
  if (left_ > largest_ - body_.size()) {
    refusal_ = {413, "too-large", "The body is too large."};
    return false;
  }
  state_ = left_ == 0 ? State::kTrailer : State::kData;
  return true;
}

bool ChunkedDecoder::trailer_byte(char c) {
  if (++overhead_ > kMostOverhead) return fail();
  if (c != '\n') {
    line_ += c;
    return true;
  }
  if (!line_.ends_with('\r')) return fail();
  line_.pop_back();
  if (line_.empty()) {
    done_ = true;
    return true;
  }
  cleave_header field;
  if (!split_field(line_, field)) return fail();
  line_.clear();
  return true;
}

}  // namespace cleave::http
