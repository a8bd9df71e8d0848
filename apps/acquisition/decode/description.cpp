#include "acquisition/decode/description.hpp"

#include "acquisition/decode/selection.hpp"

namespace daq::decode {

namespace {

template <class D>
struct Kind;

template <>
struct Kind<TextFormat> {
  static constexpr std::string_view name = "text";
  static constexpr auto make = make_text_decoder;
  static constexpr auto density = text_density;
  static constexpr auto numbering = [](const TextFormat& format) {
    return Numbering{.resolution = format.resolution, .kind = time_kind(format)};
  };
  static constexpr auto first_frame = first_text_frame;
};

template <>
struct Kind<FrameFormat> {
  static constexpr std::string_view name = "frame";
  static constexpr auto make = make_frame_decoder;
  static constexpr auto density = frame_density;
  static constexpr auto numbering = frame_numbering;
  static constexpr auto first_frame = first_binary_frame;
};

template <>
struct Kind<DatacastFormat> {
  static constexpr std::string_view name = "datacast";
  static constexpr auto make = make_datacast_decoder;
  static constexpr auto density = datacast_density;
  static constexpr auto numbering = datacast_numbering;
  static constexpr auto first_frame = first_datacast_frame;
};

template <>
struct Kind<MiniSeedFormat> {
  static constexpr std::string_view name = "miniseed";
  static constexpr auto make = make_miniseed_decoder;
  static constexpr auto density = miniseed_density;
  static constexpr auto numbering = miniseed_numbering;
  static constexpr auto first_frame = first_miniseed_frame;
};

/// The row of the description's own kind.
template <class Use>
auto with_kind(const Description& description, Use use) {
  return std::visit([&]<class D>(const D& d) { return use(Kind<D>{}, d); }, description);
}

}  // namespace

std::string_view name_of(const Description& description) {
  return with_kind(description, [](auto kind, const auto&) { return decltype(kind)::name; });
}

std::unique_ptr<Decoder> make_decoder(const Description& description, const std::vector<std::size_t>& kept) {
  auto decoder = with_kind(description, [](auto kind, const auto& d) { return decltype(kind)::make(d); });
  if (kept.empty()) return decoder;
  const auto n_channels = std::visit([](const auto& d) { return d.n_channels; }, description);
  return select_channels(std::move(decoder), n_channels, kept);
}

Density density(const Description& description) {
  return with_kind(description, [](auto kind, const auto& d) { return decltype(kind)::density(d); });
}

Numbering numbering(const Description& description) {
  return with_kind(description, [](auto kind, const auto& d) { return decltype(kind)::numbering(d); });
}

FrameSize first_frame(const Description& description, std::span<const char> bytes) {
  return with_kind(description, [&](auto kind, const auto& d) { return decltype(kind)::first_frame(d, bytes); });
}

}  // namespace daq::decode
