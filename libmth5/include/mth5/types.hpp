#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace mth5 {

/// Type of the samples in a channel dataset.
enum class SampleType { Int16, Int32, Float32, Float64 };

[[nodiscard]] constexpr std::size_t sample_bytes(SampleType type) {
  return type == SampleType::Int16 ? 2 : type == SampleType::Float64 ? 8 : 4;
}
[[nodiscard]] constexpr std::string_view to_string(SampleType type) {
  return type == SampleType::Int16     ? "int16"
         : type == SampleType::Int32   ? "int32"
         : type == SampleType::Float32 ? "float32"
                                       : "float64";
}
[[nodiscard]] constexpr std::optional<SampleType> sample_type_from(std::string_view text) {
  for (auto type : {SampleType::Int16, SampleType::Int32, SampleType::Float32, SampleType::Float64})
    if (to_string(type) == text) return type;
  return std::nullopt;
}

/// Borrowed samples of all channels of a run, channel after channel: sample i of channel c is data[c * stride + i].
template <class T>
struct Matrix {
  const T* data;
  std::size_t n_channels;
  std::size_t n_samples;
  std::size_t stride;  ///< elements from one channel to the next, >= n_samples

  [[nodiscard]] const T* channel(std::size_t c) const { return data + c * stride; }
};

}  // namespace mth5
