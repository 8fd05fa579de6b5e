import type { Value } from '../values.js';

export interface Point {
  readonly latitude: number;
  readonly longitude: number;
}

const EARTH_RADIUS_METRES = 6_371_008.8;
const radians = (degrees: number) => (degrees * Math.PI) / 180;

/** Parses `latitude,longitude`; returns undefined for any other text. */
export function pointOf(text: string | undefined): Point | undefined {
  const [latitude = Number.NaN, longitude = Number.NaN, ...rest] = (text ?? '').split(',').map(Number);
  return rest.length > 0 || Number.isNaN(latitude) || Number.isNaN(longitude) ? undefined : { latitude, longitude };
}

/** Rounds coordinates down to the 32 bits that an index keeps, so that a point on a lower edge falls outside. */
export function pointsOf(values: readonly Value[]): Point[] {
  return values.flatMap((value) => {
    const point = value.type === 'STRING' ? pointOf(value.value) : undefined;
    return point ? { latitude: onGrid(point.latitude, 180), longitude: onGrid(point.longitude, 360) } : [];
  });
}

function onGrid(degrees: number, range: number): number {
  const step = range / 2 ** 32;
  return Math.floor(degrees / step) * step;
}

/** Returns the great-circle distance in metres. */
export function distance(a: Point, b: Point): number {
  const haversine = (angle: number) => Math.sin(angle / 2) ** 2;
  const [from, to] = [radians(a.latitude), radians(b.latitude)];
  const chord = haversine(to - from) + Math.cos(from) * Math.cos(to) * haversine(radians(b.longitude - a.longitude));
  return 2 * EARTH_RADIUS_METRES * Math.asin(Math.min(1, Math.sqrt(chord)));
}

export function isInBox(point: Point, topLeft: Point, bottomRight: Point): boolean {
  const inLatitude = point.latitude <= topLeft.latitude && point.latitude >= bottomRight.latitude;
  return inLatitude && point.longitude >= topLeft.longitude && point.longitude <= bottomRight.longitude;
}

/** Counts crossings of a ray with the outline: an odd count means inside. */
export function isInPolygon(point: Point, corners: readonly Point[]): boolean {
  let inside = false;
  for (const [index, a] of corners.entries()) {
    const b = corners[(index + corners.length - 1) % corners.length]!;
    const crosses = a.latitude > point.latitude !== b.latitude > point.latitude;
    const slope = (b.longitude - a.longitude) / (b.latitude - a.latitude);
    if (crosses && point.longitude < slope * (point.latitude - a.latitude) + a.longitude) inside = !inside;
  }
  return inside;
}
