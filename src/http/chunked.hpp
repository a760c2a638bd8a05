// Chunked: decodes the chunked transfer coding (RFC 9112, 7.1) as bytes arrive, strictly. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "http/framing.hpp"

namespace cleave::http {

class ChunkedDecoder {
 public:
  /// `largest`: bytes that the decoded body may have.
  explicit ChunkedDecoder(std::size_t largest) : largest_(largest) {}

  /// Takes bytes, says in `used` how many: all of them unless the body ended or was refused.
  /// Complete: body() is whole; trailers were checked and dropped (nobody may rely on them).
  Parse feed(std::string_view bytes, std::size_t& used, Refusal& refusal);

  const std::string& body() const noexcept { return body_; }

 private:
  enum class State : std::uint8_t {
    kSizeStart,
    kSize,
    kExtension,
    kSizeLf,
    kData,
    kDataCr,
    kDataLf,
    kTrailer
  };
  bool step(char c);  // everything but data; false: refusal_ says why
  bool size_ended();
  bool trailer_byte(char c);
  bool fail() noexcept;

  std::size_t largest_;
  std::string body_;
  std::string line_;          // the trailer line at hand
  std::uint64_t left_ = 0;    // of the chunk at hand
  std::size_t overhead_ = 0;  // bytes of extensions and trailers so far
  std::uint8_t digits_ = 0;
  State state_ = State::kSizeStart;
  bool done_ = false;
  Refusal refusal_;
};

}  // namespace cleave::http
