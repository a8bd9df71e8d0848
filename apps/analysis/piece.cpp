#include "analysis/piece.hpp"

#include "analysis/spectra/mains.hpp"
#include "mth5/error.hpp"

namespace analysis {

Piece::Piece(double rate, bool quality) {
  if (!quality || rate <= 0) return;
  measures_.emplace();
  if (knows_mains(rate)) spectrum_.emplace(mains_segment(rate));
}

void Piece::add(const Block& block) {
  if (measures_)
    measures_->add(block);
  else
    statistics_.add(block.values);
  if (spectrum_) spectrum_->add(block);
}

void Piece::merge(const Piece& later) {
  if (measures_ && later.measures_)
    measures_->merge(*later.measures_);
  else
    statistics_.merge(later.statistics());
  if (spectrum_ && later.spectrum_) spectrum_->count(*later.spectrum_);
}

std::optional<double> Piece::mains() const {
  return spectrum_ ? mains_db(spectrum_->density(), spectrum_->step()) : std::nullopt;
}

state::Json Piece::save() const {
  if (!measures_) return {{"statistics", statistics_.save()}};
  state::Json saved{{"measures", measures_->save()}};
  if (spectrum_) saved["spectrum"] = spectrum_->save();
  return saved;
}

Piece Piece::load(const state::Json& saved, double rate) {
  try {
    Piece piece{rate, saved.contains("measures")};
    if (piece.measures_)
      piece.measures_->load(saved.at("measures"));
    else
      piece.statistics_.load(saved.at("statistics"));
    if (piece.spectrum_) piece.spectrum_->load(saved.at("spectrum"));
    return piece;
  } catch (const state::Json::exception& e) {
    throw mth5::FormatError{std::string{"piece: cannot be read: "} + e.what()};
  }
}

Piece Piece::only_statistics() const {
  Piece piece{0, false};
  piece.statistics_ = statistics();
  return piece;
}

}  // namespace analysis
